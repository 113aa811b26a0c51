//! `openapi.yaml` against the router: neither says more than the other.
