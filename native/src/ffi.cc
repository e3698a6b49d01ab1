// The door: what XLA calls when a program runs, and what Python asks while one is compiled.

#include <cstring>
#include <exception>
#include <string>

#include "conv.h"
#include "openmp.h"
#include "team.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace {

ffi::Error convolve(ffi::AnyBuffer first, ffi::AnyBuffer second, ffi::Result<ffi::AnyBuffer> result,
                    ffi::Span<const int64_t> problem) {
  try {
    const auto conv = jaxconv::find(problem.begin(), problem.size());
    if (first.size_bytes() != conv->bytes(0) || second.size_bytes() != conv->bytes(1) ||
        result->size_bytes() != conv->bytes(2))
      return ffi::Error::InvalidArgument("jaxconv-onednn: the arrays do not have the sizes of the problem");
    conv->run(first.untyped_data(), second.untyped_data(), result->untyped_data());
    return ffi::Error::Success();
  } catch (const std::exception& error) {
    return ffi::Error::Internal(std::string("jaxconv-onednn: ") + error.what());
  }
}

// Runs `action`; returns 0 and writes what it returns to `text`, or returns 1 and writes what went wrong.
template <typename Action>
int guarded(char* text, size_t length, Action action) {
  std::string answer;
  int status = 0;
  try {
    answer = action();
  } catch (const std::exception& error) {
    answer = error.what();
    status = 1;
  }
  std::strncpy(text, answer.c_str(), length - 1);
  text[length - 1] = 0;
  return status;
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(jaxconv_onednn_conv, convolve,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Attr<ffi::Span<const int64_t>>("problem"));

extern "C" {

// Once, before anything else.
int jaxconv_onednn_start(char* text, size_t length) {
  return guarded(text, length, [] {
    jaxconv::form();
    jaxconv::adopt();
    return "";
  });
}

// The name of the implementation that oneDNN picks.
int jaxconv_onednn_implementation(const int64_t* words, size_t count, char* text, size_t length) {
  return guarded(text, length, [&] { return jaxconv::find(words, count)->implementation(); });
}

// Bytes of operand 0, operand 1 and the result.
int jaxconv_onednn_bytes(const int64_t* words, size_t count, size_t* bytes, char* text, size_t length) {
  return guarded(text, length, [&] {
    const auto conv = jaxconv::find(words, count);
    for (int i = 0; i < 3; ++i) bytes[i] = conv->bytes(i);
    return "";
  });
}

// The convolution of arrays of those sizes, without XLA.
int jaxconv_onednn_run(const int64_t* words, size_t count, const void* first, const void* second, void* result,
                       char* text, size_t length) {
  return guarded(text, length, [&] {
    jaxconv::find(words, count)->run(first, second, result);
    return "";
  });
}

int jaxconv_onednn_threads() { return jaxconv::cores(); }

size_t jaxconv_onednn_cached() { return jaxconv::cached(); }

const char* jaxconv_onednn_version() {
  static const std::string text = [] {
    const dnnl_version_t* v = dnnl_version();
    return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  }();
  return text.c_str();
}

}  // extern "C"
