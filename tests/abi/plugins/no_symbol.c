/* SPDX-License-Identifier: Apache-2.0
 * A library that exports no entry. */
int castra_test_unused(void);
int castra_test_unused(void) {
    return 0;
}
