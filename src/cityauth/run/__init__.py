"""Who waits: the synchronous and the asynchronous driver and their public faces."""
