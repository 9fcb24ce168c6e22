"""Max-margin networks, their duality, and the geometry of rectified ellipsoids."""
