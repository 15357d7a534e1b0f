/**
 * Table `services`, owned by this slice: one item a service, key `service`, the fields of a registered service beside
 * it. Every change is a conditional write on `revision`.
 */
export const serviceKey = (service: string) => ({ service });
