"""edgeHub's language for message routes, read before a manifest is sent (docs/facts/hub-codes-and-routes.md, 3)."""
