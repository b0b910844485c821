# TaskPrompter (as in the report and as released) and the multi-task baseline in PyTorch eager, written from the specification.
#
# Sizes follow from the shapes of the weights, which have their published names; `config` says what shapes do not tell:
#   image [H, W], ratio, groups (of the 3D head), labels [H, W], upsample (1, or 2 as released), merge ('concat' or 'sum').
import math

import torch
import torch.nn.functional as F
from torch import nn

try:
    from torchvision.ops import deform_conv2d
except ImportError:
    deform_conv2d = None

TASKS = ('semseg', 'depth', '3ddet')
DENSE = ('semseg', 'depth')


def plain_deform_conv2d(x, offset, weight, bias, padding, mask):
    """DCNv2 from grid_sample, one tap after the other: where torchvision is missing, and for export."""
    batch, _, height, width = x.shape
    kh, kw = weight.shape[2:]
    ys, xs = torch.meshgrid(torch.arange(height, dtype=x.dtype), torch.arange(width, dtype=x.dtype), indexing='ij')
    total = 0
    for k in range(kh * kw):
        y = ys + (k // kw - padding) + offset[:, 2 * k]
        z = xs + (k % kw - padding) + offset[:, 2 * k + 1]
        grid = torch.stack([(2 * z + 1) / width - 1, (2 * y + 1) / height - 1], -1)
        tap = F.grid_sample(x, grid, mode='bilinear', padding_mode='zeros', align_corners=False) * mask[:, k:k + 1]
        total = total + F.conv2d(tap, weight[:, :, k // kw, k % kw, None, None])
    return total + bias[:, None, None]


class TaskPrompter(nn.Module):
    def __init__(self, weights, config):
        super().__init__()
        self.config = config
        self.names = {}
        self.plain_dcn = config.get('plainDcn', deform_conv2d is None)
        for name, array in weights.items():
            if name.endswith(('relative_position_index', 'attn_mask', 'num_batches_tracked')):
                continue
            mangled = name.replace('.', '|')
            self.names[name] = mangled
            tensor = torch.from_numpy(array)
            if name.endswith(('running_mean', 'running_var')):
                self.register_buffer(mangled, tensor)
            else:
                setattr(self, mangled, nn.Parameter(tensor))
        self.depths = []
        while self.has(f'backbone.layers.{len(self.depths)}.blocks.0.norm1.weight'):
            i = len(self.depths)
            self.depths.append(sum(1 for n in self.names if n.startswith(f'backbone.layers.{i}.blocks.') and n.endswith('.norm1.weight')))
        self.prompts = self.has('backbone.task_prompts')
        self.constants = {}

    def has(self, name):
        return name in self.names

    def p(self, name):
        return getattr(self, self.names[name]) if name in self.names else None

    def linear(self, x, name):
        return F.linear(x, self.p(f'{name}.weight'), self.p(f'{name}.bias'))

    def layer_norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.p(f'{name}.weight'), self.p(f'{name}.bias'), 1e-5)

    def conv(self, x, name, stride=1):
        weight = self.p(f'{name}.weight')
        return F.conv2d(x, weight, self.p(f'{name}.bias'), stride, weight.shape[-1] // 2)

    def batch_norm(self, x, name):
        return F.batch_norm(x, self.p(f'{name}.running_mean'), self.p(f'{name}.running_var'), self.p(f'{name}.weight'), self.p(f'{name}.bias'), self.training, 0.1, 1e-5)

    def group_norm(self, x, name):
        return F.group_norm(x, self.config['groups'], self.p(f'{name}.weight'), self.p(f'{name}.bias'), 1e-5)

    @staticmethod
    def resize(x, size, mode='bilinear'):
        if tuple(x.shape[2:]) == tuple(size):
            return x
        return F.interpolate(x, size=tuple(size), mode=mode, align_corners=False if mode == 'bilinear' else None)

    # -- backbone

    def position_index(self, side):
        key = ('index', side)
        if key not in self.constants:
            place = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing='ij')).flatten(1)
            d = place[:, :, None] - place[:, None, :] + side - 1
            self.constants[key] = (d[0] * (2 * side - 1) + d[1]).flatten()
        return self.constants[key]

    def shift_mask(self, rows, columns, side, shift, extra):
        key = ('mask', rows, columns, side, shift, extra)
        if key not in self.constants:
            bands = [torch.cat([torch.zeros(n - side), torch.ones(side - shift), torch.full((shift,), 2.0)]) for n in (rows * side, columns * side)]
            labels = 3 * bands[0][:, None] + bands[1][None]
            labels = labels.view(rows, side, columns, side).permute(0, 2, 1, 3).reshape(rows * columns, side * side)
            mask = torch.where(labels[:, None, :] != labels[:, :, None], -100.0, 0.0)
            self.constants[key] = F.pad(mask, (extra, 0, extra, 0))[None, :, None]
        return self.constants[key]

    def block(self, x, prompts, name, grid, shifted, last):
        H, W = grid
        batch, _, C = x.shape
        table = self.p(f'{name}.attn.relative_position_bias_table')
        heads, side = table.shape[1], (math.isqrt(table.shape[0]) + 1) // 2
        shift = side // 2 if shifted and min(H, W) > side else 0
        rows, columns = -(-H // side), -(-W // side)
        T = prompts.shape[1] if prompts is not None else 0
        inside = T
        y = self.layer_norm(x, f'{name}.norm1').view(batch, H, W, C)
        if rows * side > H or columns * side > W:
            y = F.pad(y, (0, 0, 0, columns * side - W, 0, rows * side - H))
        if shift:
            y = torch.roll(y, (-shift, -shift), (1, 2))
        windows = y.view(batch, rows, side, columns, side, C).permute(0, 1, 3, 2, 4, 5).reshape(batch, rows * columns, side * side, C)
        if inside:
            windows = torch.cat([self.layer_norm(prompts, f'{name}.norm1')[:, None].expand(-1, rows * columns, -1, -1), windows], 2)
        length = inside + side * side
        q, k, v = self.linear(windows, f'{name}.attn.qkv').view(batch * rows * columns, length, 3, heads, C // heads).permute(2, 0, 3, 1, 4).unbind(0)
        raw = q @ k.transpose(-2, -1)
        bias = table[self.position_index(side)].view(side * side, side * side, heads).permute(2, 0, 1)
        scores = raw * (C // heads) ** -0.5 + F.pad(bias, (inside, 0, inside, 0))
        if shift:
            scores = (scores.view(batch, rows * columns, heads, length, length) + self.shift_mask(rows, columns, side, shift, inside)).view(-1, heads, length, length)
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, rows * columns, length, C)
        out = self.linear(mixed, f'{name}.attn.proj')
        a = out[:, :, inside:].view(batch, rows, columns, side, side, C).permute(0, 1, 3, 2, 4, 5).reshape(batch, rows * side, columns * side, C)
        if shift:
            a = torch.roll(a, (shift, shift), (1, 2))
        a = a[:, :H, :W].reshape(batch, H * W, C)

        spa_attn = chan_attn = None
        heard = []
        if inside:
            spa_attn = raw[:, :, :T, T:].reshape(batch, rows, columns, heads, T, side, side).permute(0, 3, 4, 1, 5, 2, 6).reshape(batch, heads, T, rows * side, columns * side)
            if shift:
                spa_attn = torch.roll(spa_attn, (shift, shift), (3, 4))
            spa_attn = spa_attn[..., :H, :W]
            heard.append(out[:, :, :T].mean(1))
            kv = (self.p(f'{name}.chan_kv.weight') @ a) + self.p(f'{name}.chan_kv.bias')[:, None]
            dim = kv.shape[1] // 2
            query = self.linear(self.linear(prompts, f'{name}.token_trans'), f'{name}.chan_q')
            logits = query @ kv[:, :dim]
            chan_attn = logits[..., None, None]
            if not last:
                mixed = (logits * dim ** -0.5).softmax(-1) @ kv[:, dim:].transpose(1, 2)
                heard.append(self.linear(self.linear(mixed, f'{name}.chan_proj'), f'{name}.token_trans1'))
        x = x + a
        x = x + self.mlp(x, name)
        if inside:
            if last:
                prompts = heard[0]
            else:
                prompts = prompts + sum(heard)
                prompts = prompts + self.mlp(prompts, name)
        return x, prompts, spa_attn, chan_attn

    def mlp(self, x, name):
        return self.linear(F.gelu(self.linear(self.layer_norm(x, f'{name}.norm2'), f'{name}.mlp.fc1')), f'{name}.mlp.fc2')

    def merging(self, x, prompts, spa_attn, chan_attn, name, grid):
        H, W = grid
        batch, _, C = x.shape
        x = x.view(batch, H // 2, 2, W // 2, 2, C).permute(0, 1, 3, 4, 2, 5).reshape(batch, H * W // 4, 4 * C)
        x = self.linear(self.layer_norm(x, f'{name}.norm'), f'{name}.reduction')
        if prompts is not None:
            prompts = self.linear(prompts, f'{name}.task_prompts_up')
            heads, T = spa_attn.shape[1:3]
            spa_attn = self.conv(spa_attn.reshape(batch, heads * T, H, W), f'{name}.spa_attn_ds', 2).view(batch, heads, T, H // 2, W // 2)
            chan_attn = self.linear(chan_attn.permute(0, 1, 3, 4, 2), f'{name}.process_chan_attn').permute(0, 1, 4, 2, 3)
        return x, prompts, spa_attn, chan_attn

    def backbone(self, image):
        x = self.conv_patch(image)
        grid = x.shape[2:]
        x = self.layer_norm(x.flatten(2).transpose(1, 2), 'backbone.patch_embed.norm')
        prompts = self.p('backbone.task_prompts')
        if prompts is not None:
            prompts = prompts[None].expand(x.shape[0], -1, -1)
        levels = []
        for i, depth in enumerate(self.depths):
            final = i == len(self.depths) - 1
            for j in range(depth):
                x, prompts, spa, chan = self.block(x, prompts, f'backbone.layers.{i}.blocks.{j}', grid, j % 2 == 1, final and j == depth - 1)
            if final:
                x = self.layer_norm(x, 'backbone.norm')
            else:
                x, prompts, spa, chan = self.merging(x, prompts, spa, chan, f'backbone.layers.{i}.downsample', grid)
                grid = (grid[0] // 2, grid[1] // 2)
            levels.append((x.transpose(1, 2).reshape(x.shape[0], x.shape[2], *grid), spa, chan))
        return levels

    def conv_patch(self, image):
        weight = self.p('backbone.patch_embed.proj.weight')
        return F.conv2d(image, weight, self.p('backbone.patch_embed.proj.bias'), weight.shape[-1])

    # -- decoder

    def pyramid(self, maps):
        aligned = [self.resize(m, maps[0].shape[2:]) for m in maps]
        return sum(aligned) if self.config.get('merge', 'concat') == 'sum' else torch.cat(aligned, 1)

    def decode(self, levels):
        if not self.prompts:
            maps = [x for x, _, _ in levels]
            fused = self.pyramid(maps)
            prefix = next(p for p in ('multi_scale_fuse', 'decoder.fuse', 'fuse') if self.has(f'{p}.semseg.weight'))
            return {t: self.conv(fused, f'{prefix}.{t}') if t in DENSE else maps for t in TASKS}
        features = {}
        for index, task in enumerate(TASKS):
            maps = []
            for i, (x, spa, chan) in enumerate(levels):
                batch, C, H, W = x.shape
                heads = spa.shape[1]
                spatial = (x.view(batch, heads, C // heads, H, W) * spa[:, :, index, None]).view(batch, C, H, W) + x
                channel = x * chan[:, index] + x
                if task in DENSE and self.config.get('upsample', 1) != 1:
                    size = (H * self.config['upsample'], W * self.config['upsample'])
                    spatial, channel = self.resize(spatial, size), self.resize(channel, size)
                y = torch.cat([self.conv(spatial, f'backbone.fea_decode_spa.{i}.{task}.0'), self.conv(channel, f'backbone.fea_decode_chan.{i}.{task}.0')], 1)
                name = f'backbone.fea_fuse.{i}.{task}'
                y = F.gelu(self.batch_norm(self.conv(self.conv(y, f'{name}.0'), f'{name}.1'), f'{name}.2'))
                maps.append(self.conv(y, f'{name}.4'))
            features[task] = self.conv(self.pyramid(maps), f'backbone.multi_scale_fuse.{task}') if task in DENSE else maps
        return features

    # -- heads

    def dense_head(self, x, task):
        name = f'heads.{task}'
        if self.has(f'{name}.mt_proj.3.weight'):
            x = F.conv_transpose2d(x, self.p(f'{name}.mt_proj.0.weight'), self.p(f'{name}.mt_proj.0.bias'), 2)
            x = F.gelu(self.batch_norm(x, f'{name}.mt_proj.1'))
            x = F.gelu(self.batch_norm(self.conv(x, f'{name}.mt_proj.3'), f'{name}.mt_proj.4'))
        else:
            x = F.gelu(self.batch_norm(self.conv(x, f'{name}.mt_proj.0'), f'{name}.mt_proj.1'))
        return self.resize(self.conv(x, f'{name}.linear_pred'), self.config['labels'])

    def tower(self, x, name):
        if self.has(f'{name}.conv.conv_offset.weight'):
            guide = self.conv(x, f'{name}.conv.conv_offset')
            run = plain_deform_conv2d if self.plain_dcn else deform_conv2d
            x = run(x, guide[:, :18], self.p(f'{name}.conv.weight'), self.p(f'{name}.conv.bias'), padding=1, mask=guide[:, 18:].sigmoid())
        else:
            x = self.conv(x, f'{name}.conv')
        return F.relu(self.group_norm(x, f'{name}.gn'))

    def fcos3d(self, maps):
        name = 'heads.3ddet'
        merged = [self.conv(m, f'{name}.neck.lateral_convs.{i}.conv') for i, m in enumerate(maps)]
        for i in reversed(range(len(merged) - 1)):
            merged[i] = merged[i] + self.resize(merged[i + 1], merged[i].shape[2:], 'nearest')
        levels = [self.conv(m, f'{name}.neck.fpn_convs.{i}.conv') for i, m in enumerate(merged)]
        levels.append(self.conv(levels[-1], f'{name}.neck.fpn_convs.{len(levels)}.conv', 2))
        out = {'cls': [], 'bbox': [], 'dir': [], 'ctr': []}
        for i, x in enumerate(levels):
            seen = felt = x
            for k in range(3):
                seen = self.tower(seen, f'{name}.cls_convs.{k}')
                felt = self.tower(felt, f'{name}.reg_convs.{k}')
            for k in range(2):
                seen = self.tower(seen, f'{name}.conv_cls_prev.{k}')
            out['cls'].append(self.conv(seen, f'{name}.conv_cls'))
            offset, depth, size, rotation, sides = [self.conv(self.tower(felt, f'{name}.conv_reg_prevs.{k}.0'), f'{name}.conv_regs.{k}') for k in range(5)]
            scale = [self.p(f'{name}.scales.{i}.{k}.scale') for k in range(4)]
            out['bbox'].append(torch.cat([offset * scale[0], (depth * scale[1]).exp(), (size * scale[2]).exp() + 1e-6, rotation, F.relu(sides * scale[3])], 1))
            out['dir'].append(self.conv(self.tower(felt, f'{name}.conv_dir_cls_prev.0'), f'{name}.conv_dir_cls'))
            out['ctr'].append(self.conv(self.tower(felt, f'{name}.conv_centerness_prev.0'), f'{name}.conv_centerness'))
        return out

    def forward(self, image):
        """{semseg [B, K, H, W], depth [B, 1, H, W], 3ddet/cls/0 ...} from [B, 3, H, W]."""
        ratio = self.config.get('ratio', 1)
        if ratio != 1:
            image = self.resize(image, [int(n * ratio) for n in image.shape[2:]])
        features = self.decode(self.backbone(image))
        out = {t: self.dense_head(features[t], t) for t in DENSE}
        for kind, levels in self.fcos3d(features['3ddet']).items():
            for i, level in enumerate(levels):
                out[f'3ddet/{kind}/{i}'] = level
        return out
