#include "base/block_cache.h"

namespace starling {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kKeeps = false;
#elif defined(__has_feature)
constexpr bool kKeeps = !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool kKeeps = true;
#endif

}  // namespace

thread_local BlockCache BlockCache::of_this_thread;

BlockCache::~BlockCache() {
    for (List& list : lists_)
        while (Free* block = list.first) {
            list.first = block->next;
            ::operator delete(block);
        }
}

bool BlockCache::keeps() { return kKeeps; }

void* BlockCache::take(std::size_t size) {
    const std::size_t at = list_for(size);
    if (!kKeeps || at >= kSizes) return ::operator new(size);
    List& list = of_this_thread.lists_[at];
    if (!list.first) return ::operator new((at + 1) * kStep);
    Free* block = list.first;
    list.first = block->next;
    --list.size;
    return block;
}

void BlockCache::give_back(void* block, std::size_t size) {
    const std::size_t at = list_for(size);
    if (!kKeeps || at >= kSizes || of_this_thread.lists_[at].size == kKept)
        return ::operator delete(block);
    List& list = of_this_thread.lists_[at];
    list.first = new (block) Free{list.first};
    ++list.size;
}

}  // namespace starling
