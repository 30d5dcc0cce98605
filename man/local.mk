# SPDX-License-Identifier: BSD-3-Clause
dist_man_MANS = \
	man/p11-sam-audit.5 \
	man/p11-sam-policy.5 \
	man/p11-sam-roles.7 \
	man/p11-sam-sad.7 \
	man/p11-sam-setup.7 \
	man/p11-sam.8 \
	man/p11-sam.yaml.5 \
	man/sadtool.1 \
	man/samctl-audit.1 \
	man/samctl-authenticator.1 \
	man/samctl-backup.1 \
	man/samctl-cm.1 \
	man/samctl-init.1 \
	man/samctl-key.1 \
	man/samctl-pending.1 \
	man/samctl-policy.1 \
	man/samctl-principal.1 \
	man/samctl-request.1 \
	man/samctl-role.1 \
	man/samctl-sad.1 \
	man/samctl-sap.1 \
	man/samctl-signer.1 \
	man/samctl.1
