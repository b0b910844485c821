// The Cityscapes label table: name, label id, train id (255: not evaluated), category, colour. Source: the dataset's label definition.

export interface CityscapesLabel { readonly name: string; readonly id: number; readonly trainId: number; readonly category: string; readonly color: readonly [number, number, number] }

const label = (name: string, id: number, trainId: number, category: string, r: number, g: number, b: number): CityscapesLabel => ({ name, id, trainId, category, color: [r, g, b] })

/** All 34 label ids of `labelIds.png`, in order of id. */
export const cityscapesLabels: readonly CityscapesLabel[] = [
  label('unlabeled', 0, 255, 'void', 0, 0, 0),
  label('ego vehicle', 1, 255, 'void', 0, 0, 0),
  label('rectification border', 2, 255, 'void', 0, 0, 0),
  label('out of roi', 3, 255, 'void', 0, 0, 0),
  label('static', 4, 255, 'void', 0, 0, 0),
  label('dynamic', 5, 255, 'void', 111, 74, 0),
  label('ground', 6, 255, 'void', 81, 0, 81),
  label('road', 7, 0, 'flat', 128, 64, 128),
  label('sidewalk', 8, 1, 'flat', 244, 35, 232),
  label('parking', 9, 255, 'flat', 250, 170, 160),
  label('rail track', 10, 255, 'flat', 230, 150, 140),
  label('building', 11, 2, 'construction', 70, 70, 70),
  label('wall', 12, 3, 'construction', 102, 102, 156),
  label('fence', 13, 4, 'construction', 190, 153, 153),
  label('guard rail', 14, 255, 'construction', 180, 165, 180),
  label('bridge', 15, 255, 'construction', 150, 100, 100),
  label('tunnel', 16, 255, 'construction', 150, 120, 90),
  label('pole', 17, 5, 'object', 153, 153, 153),
  label('polegroup', 18, 255, 'object', 153, 153, 153),
  label('traffic light', 19, 6, 'object', 250, 170, 30),
  label('traffic sign', 20, 7, 'object', 220, 220, 0),
  label('vegetation', 21, 8, 'nature', 107, 142, 35),
  label('terrain', 22, 9, 'nature', 152, 251, 152),
  label('sky', 23, 10, 'sky', 70, 130, 180),
  label('person', 24, 11, 'human', 220, 20, 60),
  label('rider', 25, 12, 'human', 255, 0, 0),
  label('car', 26, 13, 'vehicle', 0, 0, 142),
  label('truck', 27, 14, 'vehicle', 0, 0, 70),
  label('bus', 28, 15, 'vehicle', 0, 60, 100),
  label('caravan', 29, 255, 'vehicle', 0, 0, 90),
  label('trailer', 30, 255, 'vehicle', 0, 0, 110),
  label('train', 31, 16, 'vehicle', 0, 80, 100),
  label('motorcycle', 32, 17, 'vehicle', 0, 0, 230),
  label('bicycle', 33, 18, 'vehicle', 119, 11, 32),
]

const idByName = new Map(cityscapesLabels.map(l => [l.name, l.id]))

/** Label id of a class name, or undefined. */
export const labelIdOf = (name: string): number | undefined => idByName.get(name)
