/** Text as LaTeX source. */
import type { Label } from './label.ts';

const special: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}', '{': '\\{', '}': '\\}', '$': '\\$', '&': '\\&', '#': '\\#', '%': '\\%', '_': '\\_',
  '^': '\\textasciicircum{}', '~': '\\textasciitilde{}', '<': '\\ensuremath{<}', '>': '\\ensuremath{>}', '|': '\\ensuremath{|}',
  '–': '--', '—': '---', '…': '\\ldots{}', '‘': '`', '’': "'", '“': '``', '”': "''", '\u00a0': '~', '°': '\\ensuremath{^\\circ}',
}; // prettier-ignore

const signs: Readonly<Record<string, string>> = {
  '−': '-', '×': '\\times', '·': '\\cdot', '±': '\\pm', '≤': '\\le', '≥': '\\ge', '≈': '\\approx', '≠': '\\ne', '∝': '\\propto',
  '→': '\\rightarrow', '←': '\\leftarrow', '∞': '\\infty', '√': '\\surd', '∂': '\\partial', '∇': '\\nabla', '∈': '\\in', 'ℓ': '\\ell',
  'Γ': '\\Gamma', 'Δ': '\\Delta', 'Θ': '\\Theta', 'Λ': '\\Lambda', 'Ξ': '\\Xi', 'Π': '\\Pi', 'Σ': '\\Sigma', 'Φ': '\\Phi', 'Ψ': '\\Psi',
  'Ω': '\\Omega', 'α': '\\alpha', 'β': '\\beta', 'γ': '\\gamma', 'δ': '\\delta', 'ε': '\\varepsilon', 'ζ': '\\zeta', 'η': '\\eta',
  'θ': '\\theta', 'ι': '\\iota', 'κ': '\\kappa', 'λ': '\\lambda', 'μ': '\\mu', 'µ': '\\mu', 'ν': '\\nu', 'ξ': '\\xi', 'π': '\\pi',
  'ρ': '\\rho', 'σ': '\\sigma', 'τ': '\\tau', 'υ': '\\upsilon', 'φ': '\\varphi', 'χ': '\\chi', 'ψ': '\\psi', 'ω': '\\omega',
}; // prettier-ignore

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹⁻';
const subscripts = '₀₁₂₃₄₅₆₇₈₉₋';
const digits = '0123456789-';

/** Escapes what LaTeX would take as a command; Greek letters and signs become mathematics. */
export function toLatex(
  text: string,
  { italic = false }: { readonly italic?: boolean | undefined } = {},
): string {
  let latex = '';
  for (const character of text.toWellFormed()) {
    const sign = signs[character];
    const raised = superscripts.indexOf(character);
    const lowered = subscripts.indexOf(character);
    if (sign !== undefined) latex += `\\ensuremath{${sign}}`;
    else if (raised >= 0) latex += `\\ensuremath{^{${digits[raised]}}}`;
    else if (lowered >= 0) latex += `\\ensuremath{_{${digits[lowered]}}}`;
    // No line breaks, no control characters: a comment or an empty line would end the paragraph.
    else latex += special[character] ?? (/\p{Control}/u.test(character) ? ' ' : character);
  }
  return italic && /[a-z]/i.test(text) ? `\\textit{${latex}}` : latex;
}

/** A label with its superscripts, subscripts and symbols. */
export function labelToLatex(label: Label): string {
  return label
    .map(({ text, raised, lowered, italic }) => {
      const latex = toLatex(text, { italic });
      if (raised === true) return `\\textsuperscript{${latex}}`;
      return lowered === true ? `\\textsubscript{${latex}}` : latex;
    })
    .join('');
}
