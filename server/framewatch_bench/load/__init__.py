"""A server under the load of simulated cameras."""
