"""The page and the API on one city: routes in `app`, JSON in `wire`, the live stream in `live`. I/O."""
