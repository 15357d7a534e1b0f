variable "code" {
  description = "Zip file with the code."
  type        = string
}

variable "role_arn" {
  description = "Execution role. All versions behind an alias need the same one."
  type        = string
}

resource "aws_lambda_function" "checkout" {
  function_name    = "checkout"
  runtime          = "nodejs24.x"
  handler          = "index.handler"
  role             = var.role_arn
  filename         = var.code
  source_code_hash = filebase64sha256(var.code)

  # Each change of code or configuration is a version of its own; old ones stay, for a release to go back to.
  publish = true
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.checkout.function_name
  function_version = aws_lambda_function.checkout.version

  # Read when the alias is created and never again: from then on Sluice moves it.
  lifecycle {
    ignore_changes = [function_version, routing_config]
  }
}

# What to ask a release of, after each apply.
output "version" {
  value = aws_lambda_function.checkout.version
}
