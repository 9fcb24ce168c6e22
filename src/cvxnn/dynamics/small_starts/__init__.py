"""What small initial networks do before they fit anything."""
