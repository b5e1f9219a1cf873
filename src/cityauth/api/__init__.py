"""Who waits: `CityAuth`, its asynchronous twin, and the composition root."""
