/**
 * Well-known data sets: where their publishers keep them, and the checksums that are published for them (by the
 * publisher, or by torchvision for MNIST and its relatives). Nothing of them ships with the product.
 */
import type { DataSetName } from '#shared/experiment/data-sets.ts';

export interface SetFile {
  readonly name: string;
  readonly url: string;
  readonly algorithm: 'md5' | 'sha256';
  /** Hexadecimal. */
  readonly checksum: string;
  /** For progress and disk space only; the checksum decides. */
  readonly bytes: number;
}

export interface SetEntry {
  /** Folder below the data folder; sets that are cut from one download share it. */
  readonly folder: string;
  readonly title: string;
  /** Training and test examples, as the publisher counts them; null for text. */
  readonly examples: { readonly training: number; readonly evaluation: number } | null;
  readonly classes: number | null;
  readonly home: string;
  readonly files: readonly SetFile[];
}

/** The four files of MNIST, whose names its relatives kept. */
const IDX_FILES = [
  'train-images-idx3-ubyte.gz',
  'train-labels-idx1-ubyte.gz',
  't10k-images-idx3-ubyte.gz',
  't10k-labels-idx1-ubyte.gz',
] as const;

function idxFiles(base: string, facts: readonly (readonly [md5: string, bytes: number])[]): SetFile[] {
  return facts.map(([checksum, bytes], i) => ({
    name: IDX_FILES[i],
    url: `${base}/${IDX_FILES[i]}`,
    algorithm: 'md5',
    checksum,
    bytes,
  }));
}

const md5File = (url: string, name: string, checksum: string, bytes: number): SetFile => ({
  name,
  url,
  algorithm: 'md5',
  checksum,
  bytes,
});

/** All six parts of EMNIST are published in one archive. */
function emnist(part: string, classes: number, training: number, evaluation: number): SetEntry {
  return {
    folder: 'emnist',
    title: `EMNIST, ${part}: handwritten characters, 28 × 28, gray`,
    examples: { training, evaluation },
    classes,
    home: 'https://www.nist.gov/itl/products-and-services/emnist-dataset',
    files: [
      md5File(
        'https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip',
        'gzip.zip',
        '58c8d27c78d21e728a6bc7b3cc06412e',
        561_753_746,
      ),
    ],
  };
}

const likeMnist = { examples: { training: 60_000, evaluation: 10_000 }, classes: 10 };

export const catalog: Readonly<Record<DataSetName, SetEntry>> = {
  mnist: {
    ...likeMnist,
    folder: 'mnist',
    title: 'MNIST: handwritten digits, 28 × 28, gray',
    home: 'http://yann.lecun.com/exdb/mnist/',
    files: idxFiles('https://ossci-datasets.s3.amazonaws.com/mnist', [
      ['f68b3c2dcbeaaa9fbdd348bbdeb94873', 9_912_422],
      ['d53e105ee54ea40749a09fcbcd1e9432', 28_881],
      ['9fb629c4189551a2d022fa330f9573f3', 1_648_877],
      ['ec29112dd5afa0611ce80d1b7f02629c', 4_542],
    ]),
  },
  'fashion-mnist': {
    ...likeMnist,
    folder: 'fashion-mnist',
    title: 'Fashion-MNIST: articles of clothing, 28 × 28, gray',
    home: 'https://github.com/zalandoresearch/fashion-mnist',
    files: idxFiles('https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion', [
      ['8d4fb7e6c68d591d4c3dfef9ec88bf0d', 26_421_880],
      ['25c81989df183df01b3e8a0aad5dffbe', 29_515],
      ['bef4ecab320f06d8554ea6380940ec79', 4_422_102],
      ['bb300cfdad3c16e7a12a480ee83cd310', 5_148],
    ]),
  },
  kmnist: {
    ...likeMnist,
    folder: 'kmnist',
    title: 'Kuzushiji-MNIST: cursive Japanese characters, 28 × 28, gray',
    home: 'http://codh.rois.ac.jp/kmnist/',
    files: idxFiles('http://codh.rois.ac.jp/kmnist/dataset/kmnist', [
      ['bdb82020997e1d708af4cf47b453dcf7', 18_165_135],
      ['e144d726b3acfaa3e44228e80efcd344', 29_497],
      ['5c965bf0a639b31b8f53240b1b52f4d7', 3_041_136],
      ['7320c461ea6c1c855c0b718fb2a4b134', 5_120],
    ]),
  },
  'emnist-balanced': emnist('balanced', 47, 112_800, 18_800),
  'emnist-letters': emnist('letters', 26, 124_800, 20_800),
  'emnist-digits': emnist('digits', 10, 240_000, 40_000),
  'emnist-byclass': emnist('by class', 62, 697_932, 116_323),
  'emnist-bymerge': emnist('by merged class', 47, 697_932, 116_323),
  'emnist-mnist': emnist('MNIST', 10, 60_000, 10_000),
  'cifar-10': {
    folder: 'cifar-10',
    title: 'CIFAR-10: small photographs, 32 × 32, color',
    examples: { training: 50_000, evaluation: 10_000 },
    classes: 10,
    home: 'https://www.cs.toronto.edu/~kriz/cifar.html',
    files: [
      md5File(
        'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
        'cifar-10-binary.tar.gz',
        'c32a1d4ab5d03f1284b67883e8d87530',
        170_052_171,
      ),
    ],
  },
  'cifar-100': {
    folder: 'cifar-100',
    title: 'CIFAR-100: small photographs of 100 fine classes, 32 × 32, color',
    examples: { training: 50_000, evaluation: 10_000 },
    classes: 100,
    home: 'https://www.cs.toronto.edu/~kriz/cifar.html',
    files: [
      md5File(
        'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
        'cifar-100-binary.tar.gz',
        '03b5dce01913d631647c71ecec9e9cb8',
        168_513_733,
      ),
    ],
  },
  'tiny-imagenet': {
    folder: 'tiny-imagenet',
    title: 'Tiny ImageNet: photographs of 200 classes, 64 × 64, color',
    examples: { training: 100_000, evaluation: 10_000 },
    classes: 200,
    home: 'http://cs231n.stanford.edu/',
    files: [
      md5File(
        'http://cs231n.stanford.edu/tiny-imagenet-200.zip',
        'tiny-imagenet-200.zip',
        '90528d7ca1a48142e341f4ef8d21d0de',
        248_100_043,
      ),
    ],
  },
  'tiny-shakespeare': {
    folder: 'tiny-shakespeare',
    title: 'Tiny Shakespeare: 1.1 MB of plays, as bytes',
    examples: null,
    classes: null,
    home: 'https://github.com/karpathy/char-rnn',
    files: [
      {
        name: 'input.txt',
        url: 'https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt',
        algorithm: 'sha256',
        checksum: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
        bytes: 1_115_394,
      },
    ],
  },
};
