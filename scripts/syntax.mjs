/** @file What a TypeScript file imports, and which names it takes from nowhere. Trees are ESTree, from rolldown. */

/** @typedef {{ type: string, [key: string]: any }} Node */

/**
 * @param {Node} tree
 * @returns {{ from: string, isType: boolean }[]} static, dynamic and re-exporting imports
 */
export function importsOf(tree) {
  /** @type {{ from: string, isType: boolean }[]} */
  const found = [];
  visit(tree, (node) => {
    const from = node.source?.value;
    if (typeof from !== 'string' || !/^(Import|Export)/.test(node.type)) return;
    const specifiers = node.specifiers ?? [];
    const isType =
      (node.importKind ?? node.exportKind) === 'type' ||
      (specifiers.length > 0 &&
        specifiers.every((part) => (part.importKind ?? part.exportKind) === 'type'));
    found.push({ from, isType });
  });
  return found;
}

/**
 * Names that the file reads and nowhere declares. A name that any scope of the file declares counts
 * as declared: close enough to find a global, and it needs no scopes.
 *
 * @param {Node} tree
 * @returns {Set<string>}
 */
export function freeNames(tree) {
  /** @type {Set<string>} */
  const read = new Set();
  /** @type {Set<string>} */
  const declared = new Set();
  visit(tree, (node, parent, key) => {
    for (const name of declarationsOf(node)) declared.add(name);
    if (node.type === 'Identifier' && !isLabel(parent, key)) read.add(node.name);
  });
  return new Set([...read].filter((name) => !declared.has(name)));
}

/** Names in places that are no references: properties, keys, named parts of types and imports. */
const isLabel = (parent, key) =>
  (key === 'property' && !parent.computed) ||
  (key === 'key' && !parent.computed) ||
  key === 'label' ||
  key === 'imported' ||
  key === 'exported';

/**
 * @param {Node} node
 * @returns {string[]}
 */
function declarationsOf(node) {
  if (node.type === 'VariableDeclarator' || /^(Function|Class)/.test(node.type)) {
    return [node.id, ...(node.params ?? [])].flatMap(namesOf);
  }
  if (node.type === 'CatchClause') return namesOf(node.param);
  if (node.type.endsWith('Specifier')) return namesOf(node.local);
  return (node.params ?? node.parameters ?? []).flatMap?.(namesOf) ?? [];
}

/**
 * Names that a pattern binds.
 *
 * @param {Node | null | undefined} pattern
 * @returns {string[]}
 */
function namesOf(pattern) {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((part) => namesOf(part.value ?? part.argument));
    case 'ArrayPattern':
      return pattern.elements.flatMap(namesOf);
    case 'AssignmentPattern':
      return namesOf(pattern.left);
    case 'RestElement':
      return namesOf(pattern.argument);
    case 'TSParameterProperty':
      return namesOf(pattern.parameter);
    default:
      return [];
  }
}

/**
 * @param {Node} node
 * @param {(node: Node, parent: Node, key: string) => void} look
 * @param {Node} [parent]
 * @param {string} [key]
 */
function visit(node, look, parent = node, key = '') {
  look(node, parent, key);
  for (const [name, child] of Object.entries(node)) {
    for (const part of Array.isArray(child) ? child : [child]) {
      if (typeof part?.type === 'string') visit(part, look, node, name);
    }
  }
}
