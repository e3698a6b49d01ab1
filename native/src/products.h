// The weight gradient as matrix products of windows laid side by side (im2col), a block of pixels at a time.
#pragma once

#include "conv.h"

namespace jaxconv {

// Whether `weight_gradient` beats oneDNN's own primitive, called `implementation`.
bool prefers_products(const Problem& problem, const std::string& implementation);

// Of one member: kernel[t, i, o] = sum over pixels p of x[p * stride + t * dilation - lo, i] * out[p, o]; float32.
void weight_gradient(const Problem& problem, const float* x, const float* out, float* kernel);

}  // namespace jaxconv
