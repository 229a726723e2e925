/** A strict reader of the XML that drawings are written as: elements, attributes in double quotes, the five entities. */
export interface XmlElement {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  if (/[<>]/.test(text)) throw new Error(`bare angle bracket in ${text}`);
  return text.replace(/&([^;\s]*);?/g, (all, name: string) => {
    const character = entities[name];
    if (character === undefined || !all.endsWith(';')) throw new Error(`unknown entity ${all}`);
    return character;
  });
}

/** Throws when the document is not well-formed. */
export function parseXml(document: string): XmlElement {
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
  if (!document.startsWith(declaration)) throw new Error('no XML declaration');
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(document))
    throw new Error('forbidden character');
  const top: XmlElement = { tag: '', attributes: {}, children: [], text: '' };
  const open = [top];
  for (const piece of document.slice(declaration.length).match(/<[^>]*>|[^<]+/g) ?? []) {
    const parent = open.at(-1)!;
    if (!piece.startsWith('<')) {
      parent.text += decode(piece);
      continue;
    }
    const closing = /^<\/([a-z]+)>$/i.exec(piece);
    if (closing !== null) {
      if (open.pop()!.tag !== closing[1]) throw new Error(`${piece} closes <${parent.tag}>`);
      open.at(-1)!.text += parent.text;
      continue;
    }
    const opening = /^<([a-z]+)((?: [a-z][a-z-]*(?::[a-z]+)?="[^"]*")*)(\/?)>$/i.exec(piece);
    if (opening === null) throw new Error(`not a tag: ${piece}`);
    const pairs = [...opening[2].matchAll(/ ([^=]+)="([^"]*)"/g)].map((m) => [m[1], decode(m[2])] as const);
    if (new Set(pairs.map(([name]) => name)).size !== pairs.length)
      throw new Error(`attribute twice: ${piece}`);
    const element = { tag: opening[1], attributes: Object.fromEntries(pairs), children: [], text: '' };
    parent.children.push(element);
    if (opening[3] === '') open.push(element);
  }
  if (open.length !== 1 || top.children.length !== 1) throw new Error('not exactly one root element');
  return top.children[0];
}
