# SPDX-License-Identifier: Apache-2.0
"""What the integration and fault tests stand on: private engines, the services as processes, and
small clients of HTTP, NATS and Redis."""
