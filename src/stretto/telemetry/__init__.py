"""Floor 1: what a run did, as OpenTelemetry spans. Nothing is sent anywhere unless it was asked for."""
