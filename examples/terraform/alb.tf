variable "listener_arn" {
  type = string
}

variable "vpc_id" {
  type = string
}

resource "aws_lb_target_group" "shop" {
  for_each = toset(["blue", "green"])

  name        = "shop-${each.key}"
  vpc_id      = var.vpc_id
  protocol    = "HTTP"
  port        = 8080
  target_type = "ip"

  health_check {
    path = "/up"
  }

  # Sticky sessions of a group can't go with weights.
  stickiness {
    type    = "lb_cookie"
    enabled = false
  }
}

resource "aws_lb_listener_rule" "shop" {
  listener_arn = var.listener_arn
  priority     = 10

  condition {
    path_pattern {
      values = ["/shop/*"]
    }
  }

  action {
    type = "forward"

    forward {
      # Both, the idle one too: a group that no rule names has no health checks.
      target_group {
        arn    = aws_lb_target_group.shop["blue"].arn
        weight = 100
      }

      target_group {
        arn    = aws_lb_target_group.shop["green"].arn
        weight = 0
      }
    }
  }

  # Read when the rule is created and never again: from then on Sluice moves the weights.
  lifecycle {
    ignore_changes = [action]
  }
}

# For albRules of the stage's configuration, and for the service's target.
output "rule_arn" {
  value = aws_lb_listener_rule.shop.arn
}

output "target_group_arns" {
  value = { for name, group in aws_lb_target_group.shop : name => group.arn }
}
