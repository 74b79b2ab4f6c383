# Turns SQL into a C string, a literal a line.
s/[\\"]/\\&/g
s/.*/"&\\n"/
