# SPDX-License-Identifier: BSD-3-Clause
policydir = $(datadir)/p11-sam/policy
dist_policy_DATA = \
	policy/level1.yaml \
	policy/level2.yaml \
	policy/level3.yaml
