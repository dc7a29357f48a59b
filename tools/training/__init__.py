"""Training of surface nets: pictures in, a checkpoint out.

picture   one picture with its class mask, ready to be cut from
material  what a run learns from: labelled pictures, rendered scenes, painted cracks
sampler   crops, and how their look is varied
mining    sound places that the net takes for defects
loss      what is minimised
run       the state of a training, step by step, saved and restored
"""
