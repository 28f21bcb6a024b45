"""Which language a word is in: recurrent network with random letters in the words, dropout and weight decay."""
