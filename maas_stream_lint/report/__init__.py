"""What people and programs are told: one module a form."""
