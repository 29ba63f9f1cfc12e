/*
 * MUST_USE stands before a function whose result a caller may not ignore, since it tells
 * of a failure or hands over memory. The compiler warns where the result is dropped.
 */
#pragma once

#define MUST_USE __attribute__((warn_unused_result))
