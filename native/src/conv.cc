#include "conv.h"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <list>
#include <map>
#include <mutex>
#include <new>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "products.h"
#include "team.h"

namespace jaxconv {
namespace {

using dnnl::memory;
using Dims = memory::dims;

const dnnl::engine& engine() {
  static const dnnl::engine& forever = *[] {  // threads may still compute while the process ends
    dnnl::set_primitive_cache_capacity(0);    // one cache is enough, and ours knows whole convolutions
    return new dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return forever;
}

// Memory that a thread keeps between calls: fresh pages cost more than small convolutions do.
class Arena {
 public:
  ~Arena() { std::free(data_); }
  char* reserve(size_t bytes) {
    if (bytes > size_) {
      std::free(data_);
      size_ = 0;
      const size_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
      data_ = static_cast<char*>(std::aligned_alloc(kAlignment, rounded));
      if (data_ == nullptr) throw std::bad_alloc();
      size_ = rounded;
    }
    return data_;
  }
  void trim() {  // a rare large scratchpad is not kept
    if (size_ > kKept) {
      std::free(std::exchange(data_, nullptr));
      size_ = 0;
    }
  }
  static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

 private:
  static constexpr size_t kAlignment = 4096, kKept = size_t{16} << 20;
  char* data_ = nullptr;
  size_t size_ = 0;
};

thread_local Arena arena;

// Channels last in memory, channels second for oneDNN: (batch, c, *space).
memory::desc pixels(const Problem& p, memory::data_type type, int64_t channels, int64_t Problem::Axis::*length) {
  const size_t rank = p.axes.size();
  Dims dims{p.batch, channels}, strides(rank + 2, 1);
  int64_t step = channels;
  for (const auto& axis : p.axes) dims.push_back(axis.*length);
  for (size_t i = rank; i-- > 0; step *= dims[i + 2]) strides[i + 2] = step;
  strides[0] = step;
  return {dims, type, strides};
}

// `*window c_in/groups c_out` in memory, ([groups,] c_out, c_in, *window) for oneDNN.
memory::desc weights(const Problem& p, memory::data_type type, bool any) {
  const int64_t in = p.c_in / p.groups, out = p.c_out / p.groups;
  Dims dims{out, in}, strides{1, p.c_out};
  int64_t step = in * p.c_out;
  for (const auto& axis : p.axes) dims.push_back(axis.window);
  strides.resize(dims.size());
  for (size_t i = p.axes.size(); i-- > 0; step *= p.axes[i].window) strides[i + 2] = step;
  if (p.groups > 1) {
    dims.insert(dims.begin(), p.groups);
    strides.insert(strides.begin(), out);
  }
  return any ? memory::desc(dims, type, memory::format_tag::any) : memory::desc(dims, type, strides);
}

}  // namespace

Problem Problem::decode(const int64_t* words, size_t count) {
  constexpr size_t kHead = 9, kPerAxis = 7;
  constexpr int64_t kFormat = 1;  // FORMAT of jaxconv/ops/algorithms/native.py
  Problem p;
  auto refuse = [&](const char* why) {
    std::ostringstream message;
    message << why << " (";
    for (size_t i = 0; i < count; ++i) message << (i ? " " : "") << words[i];
    throw std::invalid_argument(message.str() + ")");
  };
  const memory::data_type types[] = {memory::data_type::f32, memory::data_type::bf16, memory::data_type::f16};
  const size_t rank = count < kHead ? 0 : (count - kHead) / kPerAxis;
  if (rank < 1 || rank > 3 || count != kHead + rank * kPerAxis) refuse("not a convolution of 1 to 3 axes");
  if (words[0] != kFormat) refuse("made by another version of jaxconv; install both again");
  for (size_t i = 1; i < 4; ++i)
    if (words[i] < 0 || words[i] > 2) refuse("unknown solve or dtype");
  p.solve = static_cast<Solve>(words[1]);
  p.operand = types[words[2]];
  p.result = types[words[3]];
  p.members = words[4], p.batch = words[5], p.c_in = words[6], p.c_out = words[7], p.groups = words[8];
  constexpr int64_t kMost = int64_t{1} << 31;
  for (size_t i = 4; i < kHead; ++i)
    if (words[i] < 1 || words[i] >= kMost) refuse("sizes must be in 1 ... 2^31 - 1");
  if (p.c_in % p.groups || p.c_out % p.groups) refuse("groups must divide the channels");
  for (size_t i = 0; i < rank; ++i) {
    const int64_t* w = words + kHead + i * kPerAxis;
    const Axis axis{w[0], w[1], w[2], w[3], w[4], w[5], w[6]};
    if (axis.size < 1 || axis.window < 1 || axis.stride < 1 || axis.dilation < 1 || axis.lo < 0 || axis.hi < 0)
      refuse("sizes must be positive");
    for (size_t k = 0; k < kPerAxis; ++k)
      if (w[k] >= kMost) refuse("sizes must be below 2^31");
    const int64_t slack = axis.size + axis.lo + axis.hi - (axis.window - 1) * axis.dilation - 1;
    if (slack < 0 || axis.output != slack / axis.stride + 1) refuse("the output does not have its size");
    p.axes.push_back(axis);
  }
  // oneDNN counts in 32 bits in places: 3x3 on 65536 x 65536 pixels divides by zero.
  double x = double(p.batch) * p.c_in, out = double(p.batch) * p.c_out, kernel = double(p.c_in / p.groups) * p.c_out;
  for (const auto& axis : p.axes) x *= axis.size + axis.lo + axis.hi, out *= axis.output, kernel *= axis.window;
  if (std::max({x, out, kernel}) >= kMost || std::max({x, out, kernel}) * p.members >= 1e15)
    refuse("more than 2^31 numbers in one array");
  return p;
}

std::string Problem::text() const {
  const char* solves[] = {"convolution", "its data gradient", "its weight gradient"};
  std::ostringstream s;
  s << solves[solve] << " of x (" << batch;
  for (const auto& axis : axes) s << ", " << axis.size;
  s << ", " << c_in << ") with kernel (";
  for (const auto& axis : axes) s << axis.window << ", ";
  s << c_in / groups << ", " << c_out << "), members " << members << ", groups " << groups;
  for (const auto& axis : axes)
    s << ", [stride " << axis.stride << " dilation " << axis.dilation << " padding " << axis.lo << "+" << axis.hi << "]";
  return s.str();
}

// A thread for each 2^20 products, which take it 30 us or more: handing out the work of 14x14 pixels, 128 channels in
// groups of 4, makes it no faster, and where the other thread sleeps three times as slow (0.29 instead of 0.11 ms).
int Problem::threads() const {
  constexpr double kWorthAThread = 1 << 20;
  double products = double(batch) * c_in / groups * c_out;
  for (const auto& axis : axes) products *= double(axis.window) * axis.output;
  return static_cast<int>(std::clamp(products / kWorthAThread, 1.0, double(cores())));
}

Conv::Conv(const Problem& problem) : problem_(problem) {
  const auto& p = problem;
  const Limit limit(p.threads());  // oneDNN divides the work when it makes a primitive
  const auto type = [&](Problem::Solve slot) { return p.solve == slot ? p.result : p.operand; };
  const auto x = pixels(p, type(Problem::kX), p.c_in, &Problem::Axis::size);
  const auto out = pixels(p, type(Problem::kOut), p.c_out, &Problem::Axis::output);
  const auto kernel = weights(p, type(Problem::kKernel), false), any = weights(p, type(Problem::kKernel), true);
  Dims strides, dilations, lo, hi;
  for (const auto& axis : p.axes) {
    strides.push_back(axis.stride), dilations.push_back(axis.dilation - 1);
    lo.push_back(axis.lo), hi.push_back(axis.hi);
  }
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto direct = dnnl::algorithm::convolution_direct;
  const auto forward = [&](const memory::desc& kernel) {
    return dnnl::convolution_forward::primitive_desc(engine(), dnnl::prop_kind::forward_training, direct, x, kernel, out,
                                                     strides, dilations, lo, hi, attributes);
  };
  const auto array = [&](int argument, const memory::desc& given, const memory::desc& wanted, bool result = false) {
    Array a{argument, given, wanted, {}};
    if (a.moves()) {
      const auto& [from, to] = result ? std::pair(wanted, given) : std::pair(given, wanted);
      a.change = dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to));
    }
    return a;
  };
  if (p.solve == Problem::kOut) {
    const auto made = forward(any);
    primitive_ = dnnl::convolution_forward(made);
    arrays_[0] = array(DNNL_ARG_SRC, x, made.src_desc());
    arrays_[1] = array(DNNL_ARG_WEIGHTS, kernel, made.weights_desc());
    arrays_[2] = array(DNNL_ARG_DST, out, made.dst_desc(), true);
    scratch_ = made.scratchpad_desc();
    implementation_ = made.impl_info_str();
  } else if (p.solve == Problem::kX) {
    const dnnl::convolution_backward_data::primitive_desc made(engine(), direct, x, any, out, strides, dilations, lo, hi,
                                                               forward(any), attributes);
    primitive_ = dnnl::convolution_backward_data(made);
    arrays_[0] = array(DNNL_ARG_DIFF_DST, out, made.diff_dst_desc());
    arrays_[1] = array(DNNL_ARG_WEIGHTS, kernel, made.weights_desc());
    arrays_[2] = array(DNNL_ARG_DIFF_SRC, x, made.diff_src_desc(), true);
    scratch_ = made.scratchpad_desc();
    implementation_ = made.impl_info_str();
  } else {
    const dnnl::convolution_backward_weights::primitive_desc made(engine(), direct, x, any, out, strides, dilations, lo,
                                                                  hi, forward(any), attributes);
    primitive_ = dnnl::convolution_backward_weights(made);
    arrays_[0] = array(DNNL_ARG_SRC, x, made.src_desc());
    arrays_[1] = array(DNNL_ARG_DIFF_DST, out, made.diff_dst_desc());
    arrays_[2] = array(DNNL_ARG_DIFF_WEIGHTS, kernel, made.diff_weights_desc(), true);
    scratch_ = made.scratchpad_desc();
    implementation_ = made.impl_info_str();
    by_products_ = prefers_products(p, implementation_);
    if (by_products_) implementation_ = "matrix products, not " + implementation_;
  }
}

size_t Conv::bytes(int which) const { return arrays_[which].given.get_size() * problem_.members; }

void Conv::run(const void* first, const void* second, void* result) const {
  size_t needed = Arena::aligned(scratch_.get_size());
  for (const auto& a : arrays_)
    if (a.moves()) needed += Arena::aligned(a.wanted.get_size());
  const Limit limit(problem_.threads());
  dnnl::stream stream(engine());
  char* data[3] = {static_cast<char*>(const_cast<void*>(first)), static_cast<char*>(const_cast<void*>(second)),
                   static_cast<char*>(result)};
  for (int64_t member = 0; member < problem_.members; ++member) {
    if (by_products_) {
      float* at[3];
      for (int i = 0; i < 3; ++i) at[i] = reinterpret_cast<float*>(data[i] + member * arrays_[i].given.get_size());
      weight_gradient(problem_, at[0], at[1], at[2]);
      continue;
    }
    char* free = arena.reserve(needed);
    const auto take = [&](const memory::desc& desc) {
      return memory(desc, engine(), std::exchange(free, free + Arena::aligned(desc.get_size())));
    };
    std::unordered_map<int, memory> arguments{{DNNL_ARG_SCRATCHPAD, take(scratch_)}};
    memory given[3];
    for (int i = 0; i < 3; ++i) {
      const auto& a = arrays_[i];
      given[i] = memory(a.given, engine(), data[i] + member * a.given.get_size());
      arguments[a.argument] = a.moves() ? take(a.wanted) : given[i];
      if (a.moves() && i < 2) a.change.execute(stream, given[i], arguments[a.argument]);
    }
    primitive_.execute(stream, arguments);
    const auto& last = arrays_[2];
    if (last.moves()) last.change.execute(stream, arguments[last.argument], given[2]);
  }
  stream.wait();
  arena.trim();
}

namespace {

// The primitives last used; a primitive that runs stays alive when it is dropped here.
class Cache {
 public:
  using Key = std::vector<int64_t>;
  using Value = std::shared_ptr<const Conv>;

  Value get(const Key& key) {
    std::lock_guard lock(guard_);
    const auto known = index_.find(key);
    if (known == index_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, known->second);
    return known->second->second;
  }
  void put(const Key& key, Value value) {
    std::lock_guard lock(guard_);
    if (index_.count(key)) return;  // another thread was faster
    recent_.emplace_front(key, std::move(value));
    index_[key] = recent_.begin();
    if (recent_.size() > kCapacity) {
      index_.erase(recent_.back().first);
      recent_.pop_back();
    }
  }
  size_t size() {
    std::lock_guard lock(guard_);
    return recent_.size();
  }
  void lock() { guard_.lock(); }
  void unlock() { guard_.unlock(); }

 private:
  std::mutex guard_;
  std::list<std::pair<Key, Value>> recent_;  // the last used first
  std::map<Key, decltype(recent_)::iterator> index_;
};

Cache& cache() {
  static Cache& forever = *[] {  // threads may still compute while the process ends
    constexpr auto unlock = [] { cache().unlock(); };
    pthread_atfork([] { cache().lock(); }, unlock, unlock);  // or a child may find it locked by nobody
    return new Cache;
  }();
  return forever;
}

}  // namespace

size_t cached() { return cache().size(); }

std::shared_ptr<const Conv> find(const int64_t* words, size_t count) {
  const Cache::Key key(words, words + count);
  if (auto known = cache().get(key)) return known;
  const Problem problem = Problem::decode(words, count);
  try {
    auto made = std::make_shared<const Conv>(problem);
    cache().put(key, made);
    return made;
  } catch (const dnnl::error& error) {
    throw std::runtime_error(std::string(error.what()) + " for the " + problem.text());
  }
}

}  // namespace jaxconv
