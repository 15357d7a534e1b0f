import type { EcsTarget } from '#policy/ecs-target-schema.ts';
import { groupArn, RULE_ARN } from './alb.ts';

export const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
export const REPOSITORY = '123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop';

export const ecsTarget: EcsTarget = {
  kind: 'ecs',
  ruleArn: RULE_ARN,
  cluster: 'shop',
  services: {
    blue: { service: 'shop-blue', targetGroupArn: groupArn('blue') },
    green: { service: 'shop-green', targetGroupArn: groupArn('green') },
  },
  container: 'app',
  idleTasks: 0,
};
