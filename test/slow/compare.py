# Compares outputs written by run-onnx.ts with the PyTorch peer of bench/ on the same weights and image:
# python3 compare.py WEIGHTS.safetensors OUTPUTS.safetensors CONFIG_JSON; exit code 1 beyond 1e-4 of an output's maximum.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../bench/peers'))
import numpy as np  # noqa: E402
import safetensors  # noqa: E402
import torch  # noqa: E402
from taskprompter import TaskPrompter  # noqa: E402

weights, outputs, config = sys.argv[1:4]
torch.set_num_threads(2)
found = safetensors.read(outputs)
net = TaskPrompter(safetensors.read(weights), json.loads(config)).eval()
with torch.inference_mode():
    expected = net(torch.from_numpy(found.pop('image')))
worst = 0.0
for name, tensor in expected.items():
    want = tensor.numpy()
    assert want.shape == found[name].shape, (name, want.shape, found[name].shape)
    difference = float(np.abs(want - found[name]).max() / np.abs(want).max())
    worst = max(worst, difference)
    print(f'{name}  {list(want.shape)}  largest value {np.abs(want).max():.4g}  largest difference {difference:.2e} of it')
missing = set(found) - set(expected)
assert not missing, missing
sys.exit(0 if worst < 1e-4 else 1)
