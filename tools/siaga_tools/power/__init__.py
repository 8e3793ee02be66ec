"""Battery life: figures with their sources, boards, profiles, and the calculation."""
