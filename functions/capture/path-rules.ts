/**
 * Whether a file of a repository is meant by a rule: `terraform/` means what is in a folder of that name at any depth,
 * `iam.tf` a file of that name anywhere, `deploy/iam.tf` one in such a folder.
 */
export const isMeantBy = (file: string, rule: string): boolean => {
  const rooted = `/${file}`;
  return rule.endsWith('/') ? rooted.includes(`/${rule}`) : rooted.endsWith(`/${rule}`);
};

export interface PathRules {
  /** What changes infrastructure. */
  readonly infrastructure: readonly string[];
  /** What changes who may do what. */
  readonly security: readonly string[];
}

const PRODUCTION = ['production/', 'prod/'];

/** What a change touches, by its files. */
export const touchedBy = (files: readonly string[], rules: PathRules) => {
  const any = (meant: readonly string[]) => files.some((file) => meant.some((rule) => isMeantBy(file, rule)));
  const infrastructure = any(rules.infrastructure);
  const security = any(rules.security);
  const production = files.some(
    (file) =>
      rules.infrastructure.some((rule) => isMeantBy(file, rule)) &&
      PRODUCTION.some((rule) => isMeantBy(file, rule)),
  );
  return { infrastructure, security, production };
};
