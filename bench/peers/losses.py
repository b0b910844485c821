# The losses of the three tasks, with targets as the project's task codecs make them.
import torch
import torch.nn.functional as F


def points(levels):
    return torch.cat([m.flatten(2) for m in levels], 2).transpose(1, 2)


def fcos3d(out, target):
    """FCOS3D with the published weights; the sum of eight terms."""
    levels = {k: points([out[f'3ddet/{k}/{i}'] for i in range(5)]) for k in ('cls', 'bbox', 'dir', 'ctr')}
    seen = target['has_boxes'] > 0.5
    cls, box, direction, centre = [levels[k][seen].flatten(0, 1) for k in ('cls', 'bbox', 'dir', 'ctr')]
    label, truth, bins, soft = [target[k][seen].flatten(0, 1) for k in ('label', 'box', 'direction', 'centerness')]
    classes = cls.shape[1]
    positive = (label < classes).nonzero().flatten()
    count = max(positive.numel(), 1)
    one_hot = F.one_hot(label.long(), classes + 1)[:, :classes].to(cls.dtype)
    probability = cls.sigmoid()
    miss = (1 - probability) * one_hot + probability * (1 - one_hot)
    focal = (0.25 * one_hot + 0.75 * (1 - one_hot)) * miss * miss
    loss = 5 * (F.binary_cross_entropy_with_logits(cls, one_hot, reduction='none') * focal).sum() / max(positive.numel() + int(seen.sum()), 1)
    box, truth, direction, bins = box[positive], truth[positive], direction[positive], bins[positive]
    beta = 1 / 9
    error = F.smooth_l1_loss(box, truth, reduction='none', beta=beta).sum(0)
    loss = loss + (error[0:2].sum() + 0.2 * error[2] + error[3:6].sum() + error[9:13].sum()) / count
    a, b = box[:, 6:9], truth[:, 6:9]
    loss = loss + 5 * F.smooth_l1_loss(a.sin() * b.cos(), a.cos() * b.sin(), reduction='sum', beta=beta) / count
    loss = loss + F.cross_entropy(direction.reshape(-1, 2), bins.long().flatten(), reduction='sum') / count
    return loss + F.binary_cross_entropy_with_logits(centre[positive, 0], soft[positive], reduction='sum') / count


def total(out, targets, config):
    """{semseg, depth, 3ddet, loss}; config: semsegWeight, depthIgnore (or None: all pixels)."""
    labels = targets['semseg/labels'].long()
    depth = targets['depth/depth']
    losses = {'semseg': F.cross_entropy(out['semseg'], labels, ignore_index=255)}
    if config.get('depthIgnore') is None:
        losses['depth'] = F.l1_loss(out['depth'], depth)
    else:
        valid = depth != config['depthIgnore']
        losses['depth'] = F.l1_loss(out['depth'][valid], depth[valid])
    losses['3ddet'] = fcos3d(out, {k.split('/')[1]: v for k, v in targets.items() if k.startswith('3ddet/')})
    losses['loss'] = config['semsegWeight'] * losses['semseg'] + losses['depth'] + losses['3ddet']
    return losses
