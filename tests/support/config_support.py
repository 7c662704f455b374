"""What several tests of settings write and read."""

GROUPS = """\
security_groups:
  - name: web
    rules:
      - {direction: ingress, protocol: tcp, ports: 80}
"""
