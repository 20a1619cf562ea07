# Rotates a Gemini API key that is kept in AWS Secrets Manager. Google is reached without a Google key: the function's
# AWS role is trusted by workload identity federation.
#
# The function's package, made beforehand:
#   pip install --target package 'PATH-OF-THE-CHECKOUT[aws]'
#   gcloud iam workload-identity-pools create-cred-config --aws --output-file=package/google.json \
#     --service-account=gemini-rotator@PROJECT.iam.gserviceaccount.com \
#     projects/NUMBER/locations/global/workloadIdentityPools/rotation/providers/aws
#   (cd package && zip -qr ../package.zip .)

variable "google_project" {
  type = string
}

variable "secret_name" {
  type    = string
  default = "prod/gemini"
}

variable "kms_key_arn" {
  type        = string
  default     = null
  description = "Of the secret's own key; null where it is encrypted with AWS's."
}

data "aws_caller_identity" "this" {}

data "aws_region" "this" {}

data "aws_secretsmanager_secret" "gemini" {
  name = var.secret_name
}

# AWS: what the function may do

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "rotator" {
  name               = "gemini-rotator"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

data "aws_iam_policy_document" "rotator" {
  statement {
    actions = [
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue",
      "secretsmanager:UpdateSecretVersionStage",
    ]
    resources = [data.aws_secretsmanager_secret.gemini.arn]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
      resources = [statement.value]
      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["secretsmanager.${data.aws_region.this.name}.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role_policy" "rotator" {
  name   = "gemini-rotator"
  role   = aws_iam_role.rotator.id
  policy = data.aws_iam_policy_document.rotator.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.rotator.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

# AWS: the function, and when it runs

resource "aws_lambda_function" "rotator" {
  function_name    = "gemini-rotator"
  role             = aws_iam_role.rotator.arn
  runtime          = "python3.13"
  handler          = "genai_credentials.rotate.aws_lambda.handler"
  filename         = "package.zip"
  source_code_hash = filebase64sha256("package.zip")
  memory_size      = 512
  timeout          = 900

  # One at a time: two rotations at once are safe, and a waste.
  reserved_concurrent_executions = 1

  environment {
    variables = {
      GENAI_CREDENTIALS_ROTATE_URI          = "aws:${var.secret_name}"
      GENAI_CREDENTIALS_ROTATE_PROJECT      = var.google_project
      GENAI_CREDENTIALS_ROTATE_RETIRE_AFTER = "1d"
      GOOGLE_APPLICATION_CREDENTIALS        = "/var/task/google.json"
    }
  }
}

resource "aws_lambda_permission" "secrets_manager" {
  statement_id   = "secrets-manager"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.rotator.function_name
  principal      = "secretsmanager.amazonaws.com"
  source_account = data.aws_caller_identity.this.account_id
}

resource "aws_secretsmanager_secret_rotation" "gemini" {
  secret_id           = data.aws_secretsmanager_secret.gemini.id
  rotation_lambda_arn = aws_lambda_function.rotator.arn

  rotation_rules {
    automatically_after_days = 30
  }

  depends_on = [aws_lambda_permission.secrets_manager]
}

# Google: whom the role may be, and what that may do

resource "google_service_account" "rotator" {
  project    = var.google_project
  account_id = "gemini-rotator"
}

resource "google_project_iam_member" "keys" {
  project = var.google_project
  role    = "roles/serviceusage.apiKeysAdmin"
  member  = google_service_account.rotator.member
}

# Each call names the project that it is charged to.
resource "google_project_iam_member" "quota" {
  project = var.google_project
  role    = "roles/serviceusage.serviceUsageConsumer"
  member  = google_service_account.rotator.member
}

resource "google_iam_workload_identity_pool" "rotation" {
  project                   = var.google_project
  workload_identity_pool_id = "rotation"
}

resource "google_iam_workload_identity_pool_provider" "aws" {
  project                            = var.google_project
  workload_identity_pool_id          = google_iam_workload_identity_pool.rotation.workload_identity_pool_id
  workload_identity_pool_provider_id = "aws"

  attribute_mapping = {
    "google.subject"     = "assertion.arn"
    "attribute.aws_role" = "assertion.arn.extract('assumed-role/{role}/')"
  }

  attribute_condition = "attribute.aws_role == '${aws_iam_role.rotator.name}'"

  aws {
    account_id = data.aws_caller_identity.this.account_id
  }
}

resource "google_service_account_iam_member" "federation" {
  service_account_id = google_service_account.rotator.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.rotation.name}/attribute.aws_role/${aws_iam_role.rotator.name}"
}
