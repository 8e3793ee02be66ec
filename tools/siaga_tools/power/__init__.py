"""How long a button lives on its battery: figures with their sources, boards, profiles, and the sum."""
