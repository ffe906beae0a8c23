"""What is two-dimensional by nature: cracks, outlines, boxes, circles."""
