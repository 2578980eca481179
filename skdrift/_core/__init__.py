"""Ground floor: tables, argument rules and the frozen results. No statistics."""
