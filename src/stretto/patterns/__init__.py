"""Floor 3: workers made from workers. Each is itself a worker, so all nest in all."""
