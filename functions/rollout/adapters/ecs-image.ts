/** A digest names one image for ever; a tag names whatever was pushed under it last. */
const DIGEST = /^sha256:[0-9a-f]{64}$/;

export const isDigest = (version: string): boolean => DIGEST.test(version);

/** `registry:5000/shop:1.4@sha256:…` → the repository, the tag and the digest, as far as they are there. */
const partsOf = (image: string): { repository: string; tag?: string; digest?: string } => {
  const [named = '', digest] = image.split('@', 2);
  // A colon before the last slash belongs to a port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  return {
    repository: colon < 0 ? named : named.slice(0, colon),
    ...(colon >= 0 && { tag: named.slice(colon + 1) }),
    ...(digest !== undefined && { digest }),
  };
};

/** What a release calls the image: its digest, or, where it was deployed without one, its tag. */
export const versionOfImage = (image: string): string => {
  const { tag, digest } = partsOf(image);
  return digest ?? tag ?? 'latest';
};

/** The image of this digest in the same repository. */
export const imageOf = (image: string, digest: string): string => `${partsOf(image).repository}@${digest}`;
