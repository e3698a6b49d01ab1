// A convolution and its two derivatives by oneDNN, on arrays with channels last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dnnl.hpp"

namespace jaxconv {

// What is computed, decoded from the integers that jaxconv sends; see `Problem::decode`.
struct Problem {
  enum Solve { kOut = 0, kX = 1, kKernel = 2 };
  struct Axis {
    int64_t size, window, stride, dilation, lo, hi, output;
  };

  Solve solve;
  dnnl::memory::data_type operand, result;
  int64_t members, batch, c_in, c_out, groups;
  std::vector<Axis> axes;

  // Throws std::invalid_argument, with the integers in the message, unless they describe a convolution.
  static Problem decode(const int64_t* words, size_t count);
  std::string text() const;
  int threads() const;  // that are worth it
};

// A oneDNN primitive with the reorders around it, ready to run; immutable, so that threads may share it.
class Conv {
 public:
  explicit Conv(const Problem& problem);
  // The operands in the order of jaxconv's `conv_p`, and the result: all members, contiguous.
  void run(const void* first, const void* second, void* result) const;
  size_t bytes(int which) const;  // of operand 0, operand 1 and the result (2), all members
  const std::string& implementation() const { return implementation_; }

 private:
  // One of the arrays x, kernel and out: as it lies in memory, and as the primitive wants it.
  struct Array {
    int argument;
    dnnl::memory::desc given, wanted;
    dnnl::reorder change;
    bool moves() const { return given != wanted; }
  };
  Problem problem_;
  dnnl::primitive primitive_;
  Array arrays_[3];  // operand 0, operand 1, result
  dnnl::memory::desc scratch_;
  std::string implementation_;
  bool by_products_ = false;  // the weight gradient of products.h serves instead of the primitive
};

// The primitive for these integers: from the cache of the last kCapacity used, or made now.
std::shared_ptr<const Conv> find(const int64_t* words, size_t count);
size_t cached();  // how many it holds
constexpr size_t kCapacity = 1024;

}  // namespace jaxconv
