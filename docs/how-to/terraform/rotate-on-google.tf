# Rotates a Gemini API key that is kept in Google Secret Manager: when its rotation is due, the secret sends a message,
# and a function rotates.
#
# The function's source, made beforehand: rotate_function.py as main.py, and a requirements.txt with
#   genai-credentials[google]     (until it is published: the path of a wheel in the same zip file)
#   functions-framework
# in one zip file.

variable "project" {
  type = string
}

variable "region" {
  type    = string
  default = "europe-west1"
}

data "google_project" "this" {
  project_id = var.project
}

# When: the secret says so, by a message

resource "google_pubsub_topic" "due" {
  project = var.project
  name    = "gemini-rotation-due"
}

resource "google_pubsub_topic_iam_member" "secret_manager" {
  project = var.project
  topic   = google_pubsub_topic.due.name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-secretmanager.iam.gserviceaccount.com"
}

resource "google_secret_manager_secret" "gemini" {
  project   = var.project
  secret_id = "gemini-api-key"

  replication {
    auto {}
  }

  topics {
    name = google_pubsub_topic.due.id
  }

  # At least five minutes from now, and an hour apart.
  rotation {
    next_rotation_time = "2027-01-01T06:00:00Z"
    rotation_period    = "2592000s"
  }

  depends_on = [google_pubsub_topic_iam_member.secret_manager]
}

# Who: an account with what a rotation takes

resource "google_service_account" "rotator" {
  project    = var.project
  account_id = "gemini-rotator"
}

resource "google_project_iam_member" "keys" {
  project = var.project
  role    = "roles/serviceusage.apiKeysAdmin"
  member  = google_service_account.rotator.member
}

# Each call names the project that it is charged to.
resource "google_project_iam_member" "quota" {
  project = var.project
  role    = "roles/serviceusage.serviceUsageConsumer"
  member  = google_service_account.rotator.member
}

resource "google_secret_manager_secret_iam_member" "reads" {
  secret_id = google_secret_manager_secret.gemini.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.rotator.member
}

resource "google_secret_manager_secret_iam_member" "adds" {
  secret_id = google_secret_manager_secret.gemini.id
  role      = "roles/secretmanager.secretVersionAdder"
  member    = google_service_account.rotator.member
}

# What runs

resource "google_storage_bucket" "source" {
  project                     = var.project
  name                        = "${var.project}-gemini-rotation"
  location                    = var.region
  uniform_bucket_level_access = true
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "source-${filemd5("source.zip")}.zip"
  source = "source.zip"
}

resource "google_cloudfunctions2_function" "rotator" {
  project  = var.project
  location = var.region
  name     = "gemini-rotator"

  build_config {
    runtime     = "python313"
    entry_point = "rotate"

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email = google_service_account.rotator.email
    available_memory      = "512M"
    timeout_seconds       = 540
    max_instance_count    = 1

    environment_variables = {
      GENAI_CREDENTIALS_ROTATE_URI           = "google:${google_secret_manager_secret.gemini.id}"
      GENAI_CREDENTIALS_ROTATE_PROJECT       = var.project
      GENAI_CREDENTIALS_ROTATE_RETIRE_AFTER  = "1d"
      GENAI_CREDENTIALS_ROTATE_PROVE_TIMEOUT = "8m"
    }
  }

  event_trigger {
    trigger_region        = var.region
    event_type            = "google.cloud.pubsub.topic.v1.messagePublished"
    pubsub_topic          = google_pubsub_topic.due.id
    retry_policy          = "RETRY_POLICY_RETRY"
    service_account_email = google_service_account.rotator.email
  }
}

resource "google_cloud_run_service_iam_member" "trigger" {
  project  = var.project
  location = var.region
  service  = google_cloudfunctions2_function.rotator.name
  role     = "roles/run.invoker"
  member   = google_service_account.rotator.member
}
