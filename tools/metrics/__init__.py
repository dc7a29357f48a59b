"""Figures of merit, in numpy, each over weighted pictures so that one bootstrap serves them all.

ranking      AUROC, average precision, escapes at a share of false rejects
components   which predicted pieces are right, which defects are found, by class and size
pixels       pixel AP and AUPRO from histograms
confidence   calibration error, Platt scaling
detection    COCO mAP (faster-coco-eval)
bootstrap    intervals, resampling whole parts
"""
