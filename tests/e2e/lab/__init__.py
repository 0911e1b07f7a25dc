"""What the end-to-end tests are made of: servers, services, keys, the client's runner, faulty networks."""
