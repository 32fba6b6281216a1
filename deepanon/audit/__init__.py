"""Can anyone get the face back?"""
