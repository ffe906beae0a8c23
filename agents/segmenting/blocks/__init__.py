"""Images larger than memory: blocks of them, and what joins these without a seam.

Three rounds over the blocks, each of which any worker can do, and two steps between them:

    pieces    superpixels of the block, cut where tiles meet
    (join)    pieces that are one superpixel, by what both sides see
    objects   graph, features, weights and partition of the block with its surroundings
    (merge)   a second multicut of the objects that meet other blocks'; which are ground
    labels    the block's pixels in the output

What a round makes of a block is a file of its own, written all or nothing: a block that is
there isn't done again.
"""
