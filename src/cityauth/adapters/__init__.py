"""Ready-made ports. An adapter whose library is an extra imports it on first use."""
