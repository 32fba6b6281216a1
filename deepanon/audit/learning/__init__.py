"""What attackers learn with: regressions, discriminants and networks, and how their strengths are chosen."""
