"""Taking in: landing files become raw payloads (immutable), raw payloads become typed bronze tables. Nothing is interpreted here."""
