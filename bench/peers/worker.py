# A live PyTorch process: loads a case, then does a step or an inference for every line it reads, and answers with JSON.
import json
import os
import resource
import sys
import time

os.environ.setdefault('OMP_WAIT_POLICY', 'passive')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
import losses  # noqa: E402
import safetensors  # noqa: E402
from taskprompter import TaskPrompter  # noqa: E402


def high_water():
    """Peak resident memory, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def tensors(path):
    return {k: torch.from_numpy(v) for k, v in safetensors.read(path).items()}


def main():
    folder, mode = sys.argv[1:3]
    torch.set_num_threads(2)
    config = json.load(open(f'{folder}/config.json'))
    net = TaskPrompter(safetensors.read(f'{folder}/weights.safetensors'), {**config, 'plainDcn': mode == 'export'} if mode == 'export' else config)
    feeds = tensors(f'{folder}/feeds.safetensors')
    image = feeds['image']
    targets = {k[len('target/'):]: v for k, v in feeds.items() if k.startswith('target/')}
    if mode == 'export':
        net.eval()
        names = []
        with torch.no_grad():
            names = list(net(image))
        torch.onnx.export(net, image, f'{folder}/peer.onnx', input_names=['image'], output_names=names, opset_version=16)
        print(json.dumps({'ready': True}))
        return
    trained = [p for p in net.parameters()]
    optimiser = torch.optim.Adam(trained, lr=config['lr'])

    def step():
        net.train()
        optimiser.zero_grad(set_to_none=True)
        found = losses.total(net(image), targets, config)
        found['loss'].backward()
        norm = torch.nn.utils.clip_grad_norm_(trained, config['clip']) if config.get('clip') else torch.zeros(())
        optimiser.step()
        return {**{k: v.item() for k, v in found.items()}, 'grad_norm': norm.item()}

    def infer():
        net.eval()
        with torch.inference_mode():
            return net(image)

    print(json.dumps({'ready': True, 'torch': torch.__version__, 'parameters': sum(p.numel() for p in trained)}), flush=True)
    for line in sys.stdin:
        began, used = time.perf_counter(), time.process_time()
        if line.strip() == 'check':
            safetensors.write(f'{folder}/peer.safetensors', {k: v.numpy() for k, v in infer().items()})
            answer = {}
        elif line.strip() == 'infer':
            infer()
            answer = {}
        else:
            answer = step()
        print(json.dumps({'ms': (time.perf_counter() - began) * 1000, 'cpu': (time.process_time() - used) * 1000, 'peak': high_water(), **answer}), flush=True)


main()
