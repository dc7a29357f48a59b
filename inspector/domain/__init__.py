"""Floor 1: nouns and pure judgement; standard library and numpy only."""
