# A live PyTorch process: loads a case, then does a step or an inference for every line it reads, and answers with JSON.
# worker.py FOLDER infer|train [--compile], or worker.py FOLDER export: writes FOLDER/peer.onnx and ends.
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


def export(net, image, path):
    """The network as torch.onnx.export writes it: by torch.export where this PyTorch has that, else by tracing. Deformable convolution is grid samples, which ONNX has."""
    net.eval()
    with torch.no_grad():
        names = list(net(image))
        modern = tuple(int(n) for n in torch.__version__.split('.')[:2]) >= (2, 6)
        how = {'opset_version': 20, 'dynamo': True, 'external_data': True} if modern else {'opset_version': 16}
        torch.onnx.export(net, (image,), path, input_names=['image'], output_names=names, **how)
    return {'ready': True, 'torch': torch.__version__, 'exporter': 'torch.export' if modern else 'tracing'}


def main():
    folder, mode, *options = sys.argv[1:]
    torch.set_num_threads(2)
    with open(f'{folder}/config.json') as file:
        config = json.load(file)
    net = TaskPrompter(safetensors.read(f'{folder}/weights.safetensors'), {**config, 'plainDcn': True} if mode == 'export' else config)
    feeds = tensors(f'{folder}/feeds.safetensors')
    image = feeds['image']
    targets = {k[len('target/'):]: v for k, v in feeds.items() if k.startswith('target/')}
    if mode == 'export':
        print(json.dumps(export(net, image, f'{folder}/peer.onnx')))
        return
    trained = [p for p in net.parameters()]
    optimiser = torch.optim.Adam(trained, lr=config['lr'])
    forward = torch.compile(net) if '--compile' in options else net

    def step():
        net.train()
        optimiser.zero_grad(set_to_none=True)
        found = losses.total(forward(image), targets, config)
        found['loss'].backward()
        norm = torch.nn.utils.clip_grad_norm_(trained, config['clip']) if config.get('clip') else torch.zeros(())
        optimiser.step()
        return {**{k: v.item() for k, v in found.items()}, 'grad_norm': norm.item()}

    def infer():
        net.eval()
        with torch.inference_mode():
            return forward(image)

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
