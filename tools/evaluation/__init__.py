"""The evaluation: pictures with their truth through the line's own detector, figures with intervals and controls.

looking   a model package opened as the line opens it, and what it saw of one picture
table     what was seen, laid beside the truth, one row a picture
figures   every figure of merit over weighted rows
evaluate  a whole evaluation, and its JSON
report    the HTML page for people
"""
